"""A front end does not wait without end for the replicas of a shard."""

import asyncio

from service.ray_transport import ReplicaAnswer, _first_and_soon

ANSWER: ReplicaAnswer = ("one", 200, b"")


async def answered() -> ReplicaAnswer:
    return ANSWER


async def lost() -> ReplicaAnswer:
    raise ConnectionError


async def hanging() -> ReplicaAnswer:
    await asyncio.Event().wait()
    raise AssertionError


def test_replicas_that_all_hang_are_left_out() -> None:
    assert asyncio.run(_first_and_soon([hanging(), hanging()], limit_s=0.01)) == []


def test_the_answers_that_are_there_count() -> None:
    assert asyncio.run(_first_and_soon([lost(), answered(), hanging()], limit_s=0.01)) == [ANSWER]
    assert asyncio.run(_first_and_soon([lost()], limit_s=60)) == []
