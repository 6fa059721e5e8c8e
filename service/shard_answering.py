"""Answer a call of a front end on a shard: its step is taken on the device's thread, between batches."""

import asyncio
from dataclasses import dataclass

from starlette.types import Receive

from model.errors import InvalidInput
from service.device_queue.ticket import Clock
from service.device_queue.worker import NO_MEMORY
from service.engine import telling_of_memory
from service.errors import DeadlineExceeded, MalformedBody, Overloaded, UnexpectedShard
from service.runtime import Runtime
from service.shard_work import check_identity, read_call
from service.waiting import wait_for


@dataclass(eq=False)
class _Waiting:
    """Tell whether a front end still waits.

    Attributes:
        until: The time on the clock until which it waits.
        clock: The clock of the queue.
        is_over: Set once it is known that nobody waits.
    """

    until: float
    clock: Clock
    is_over: bool = False

    def __call__(self) -> bool:
        return not self.is_over and self.clock() < self.until


async def answer_call(runtime: Runtime, path: str, body: bytes, receive: Receive) -> bytes:
    """Take a step, unless nobody waits for it any more, and return the body of the answer.

    Args:
        runtime: The service, which has parts of maps.
        path: The path of the call.
        body: The body of the call.
        receive: A function that gives the ASGI messages after the body; one says that the front end has gone.

    Raises:
        MalformedBody: The body is not a question of a front end.
        UnexpectedShard: The part is not held here, or is another than the front end expects.
        NotReady: The service cannot answer, or the part is damaged.
        Overloaded: There is no room, or no memory.
        DeadlineExceeded: The front end waits no longer.
        ClientDisconnect: The front end has gone.
    """
    question, step = read_call(path, body)
    queue, running = runtime.queue, runtime.engine
    waiting = _Waiting(queue.clock() + question.limit_s, queue.clock)
    part = question.identity.part
    if str(part) not in running.maps.names:
        raise UnexpectedShard(f"this shard does not hold {part}; it holds {', '.join(running.maps.names)}")
    with queue.admit(question.limit_s), runtime.answering_from(str(part)) as version:
        shard = version.as_shard
        check_identity(shard, question)

        def take_step() -> bytes:
            with telling_of_memory():
                return step(shard, waiting)

        version.retain()  # until the device has finished, even if the front end does not wait for it
        try:
            future = queue.call(take_step)
        except BaseException:
            version.release()
            raise
        future.add_done_callback(lambda _: version.release())
        try:
            return await wait_for(asyncio.wrap_future(future), receive, question.limit_s)
        except TimeoutError as error:
            raise DeadlineExceeded.after(question.limit_s) from error
        except InvalidInput as error:
            raise MalformedBody(error.message) from error
        except running.memory_errors as error:
            raise Overloaded(NO_MEMORY) from error
        finally:
            waiting.is_over = True
