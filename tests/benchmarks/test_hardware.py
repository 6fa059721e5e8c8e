"""The description of the machine in figures."""

from benchmarks.hardware import describe_hardware, name_processor

X86 = """processor	: 0
vendor_id	: AuthenticAMD
cpu family	: 25
model		: 17
model name	: AMD EPYC

processor	: 1
cpu family	: 26
model name	: another
"""


def test_a_processor_is_told_by_family_and_model() -> None:
    assert name_processor(X86) == "AMD EPYC (family 25, model 17)"
    assert name_processor("model name\t: Neoverse") == "Neoverse"
    assert name_processor("processor\t: 0") is None


def test_a_description_is_one_line_with_cores_and_versions() -> None:
    described = describe_hardware()
    assert "\n" not in described
    assert " cores, " in described
    assert "torch " in described
