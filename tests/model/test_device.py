"""The choice of the network's device, with its reason."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model.device import choose_device
from model.errors import DeviceUnavailable

REPOSITORY = Path(__file__).parents[2]
HAS_GPU = torch.cuda.is_available()


def test_the_cpu_can_always_be_had() -> None:
    choice = choose_device("cpu")
    assert choice.device == torch.device("cpu")
    assert not choice.is_gpu
    assert choice.reason == "cpu was asked for"


@pytest.mark.skipif(HAS_GPU, reason="this machine has a GPU")
def test_auto_is_the_cpu_where_there_is_no_gpu_and_says_so() -> None:
    choice = choose_device("auto")
    assert choice.device == torch.device("cpu")
    assert choice.reason == "auto: torch sees no CUDA device"


@pytest.mark.skipif(HAS_GPU, reason="this machine has a GPU")
def test_cuda_without_a_gpu_is_refused_with_what_to_do() -> None:
    with pytest.raises(DeviceUnavailable, match=r"nvidia-smi.*--device auto"):
        choose_device("cuda")


@pytest.mark.gpu
def test_auto_is_the_gpu_where_there_is_one() -> None:
    assert choose_device("auto").is_gpu
    assert torch.cuda.get_device_name(0) in choose_device("auto").reason


def test_products_on_a_gpu_are_of_the_numbers_that_they_are_given() -> None:
    """This runs in its own process, because the precision of products is one setting for the whole process."""
    program = """
import torch
from model.device import choose_device

matmul, convolution = torch.backends.cuda.matmul, torch.backends.cudnn
assert matmul.allow_tf32 and convolution.allow_tf32 and matmul.allow_bf16_reduced_precision_reduction
choose_device("cpu")
assert matmul.allow_tf32
torch.cuda.is_available, torch.cuda.get_device_name = lambda: True, lambda _: "a GPU"
assert choose_device("cuda").is_gpu
assert not matmul.allow_tf32 and not convolution.allow_tf32 and not matmul.allow_bf16_reduced_precision_reduction
"""
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env=os.environ | {"TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1"},
        check=True,
    )
