"""How many threads torch may take, in each of the server's own."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import torch

from model.selavpr.selavpr import SelaVPR
from service.asked import Asked
from service.decoding import DecodePool, decode_query
from service.query_options import QueryOptions
from service.settings import ServiceSettings
from service.watchdog import Watchdog
from tests.service.conftest import Serve, Town


def test_the_device_gets_all_threads_and_decoders_keep_to_one(serve: Serve, town: Town) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as earlier:
            earlier.submit(int).result()  # from now on threads begin with one, as beside decoders
        served = serve(town)
        device: Future[int] = served.runtime.queue.call(torch.get_num_threads)
        assert device.result(10) == 2
        assert asyncio.run(served.runtime.decoder.call(torch.get_num_threads)) == 1
        photo = next(iter(town.photos.values())).read_bytes()
        assert served.client.post("/localize", content=photo).status_code == 200
        assert served.runtime.queue.call(torch.get_num_threads).result(10) == 2
        served.runtime.stop()
        with ThreadPoolExecutor(1) as later:
            assert later.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_a_picture_is_decoded_alike_by_one_thread_and_by_many(town: Town) -> None:
    settings = ServiceSettings()
    photo = next(iter(town.photos.values()))
    pool = DecodePool(1, settings.image_limits, Watchdog(settings.stuck_after_s))
    pool.start()
    asked = Asked(QueryOptions(1, 1, rerank="never"))
    (one, options), many = (
        asyncio.run(pool.decode(photo.read_bytes(), SelaVPR.needs, asked)),
        decode_query(photo, settings.image_limits, SelaVPR.needs),
    )
    pool.close("the test is over")
    assert torch.equal(one, many)
    assert options == asked.options
