"""Define the errors of a request and of the running service; ``model.errors`` draws the tree of all errors."""

from model.errors import InvalidInput, PlacefixError


class InvalidSamples(InvalidInput):
    """A folder of sample queries that cannot be offered."""

    code = "invalid_samples"


class InvalidKeys(InvalidInput):
    """A file of API keys that cannot be used, or a key that cannot be made."""

    code = "invalid_keys"


class RequestError(PlacefixError):
    """A request that cannot be answered, whatever its picture shows."""

    code = "invalid_request"


class MalformedBody(RequestError):
    """The body is not the form that its content type announces, or has too many parts."""

    code = "malformed_body"


class BodyTooLarge(RequestError):
    """The body has more bytes than the upload limit."""

    code = "body_too_large"


class UploadTimeout(RequestError):
    """The body did not arrive in time."""

    code = "upload_timeout"


class MissingImage(RequestError):
    """There is no picture in the request."""

    code = "missing_image"


class SeveralImages(RequestError):
    """There is more than one picture in the request."""

    code = "several_images"


class InvalidParameter(RequestError):
    """A parameter is out of its range, unknown, or missing."""

    code = "invalid_parameter"


class PlaceNotFound(RequestError):
    """The map does not have this picture, or has no thumbnail of it."""

    code = "place_not_found"


class TileNotFound(RequestError):
    """The base map does not have this tile, or there is no base map."""

    code = "tile_not_found"


class SampleNotFound(RequestError):
    """The sample query does not exist, or its file has gone."""

    code = "sample_not_found"


class UnexpectedVersion(RequestError):
    """The map serves another version than the request expects."""

    code = "unexpected_version"


class UnusableVersion(RequestError):
    """The version cannot be served: it is damaged, or does not fit the network that is loaded."""

    code = "unusable_version"


class ShardOnly(RequestError):
    """The server has a part of each map, and answers front ends alone."""

    code = "shard_only"


class UnexpectedShard(RequestError):
    """The server is not the shard that the front end expects: its version, network or number differs."""

    code = "unexpected_shard"


class AccessDenied(RequestError):
    """A request that its sender may not make."""

    code = "access_denied"


class KeyMissing(AccessDenied):
    """A key is needed, and none was sent."""

    code = "key_missing"


class KeyUnknown(AccessDenied):
    """The key that was sent is not a key of the service."""

    code = "key_unknown"


class BrowsingOff(AccessDenied):
    """The pictures of maps are not listed here, for no sender."""

    code = "browsing_off"


class ScopeMissing(AccessDenied):
    """The key that was sent does not allow this."""

    code = "scope_missing"


class ServiceError(PlacefixError):
    """The running service cannot answer now."""

    code = "service_error"


class NotReady(ServiceError):
    """The service is starting or stopping, or its worker has died."""

    code = "not_ready"


class DeviceStuck(ServiceError):
    """The device does not finish its work; the process must be restarted."""

    code = "device_stuck"


class DecoderStuck(ServiceError):
    """The decoding of a picture does not end; the process must be restarted."""

    code = "decoder_stuck"


class Overloaded(ServiceError):
    """There is no room for one more request."""

    code = "overloaded"


class DeadlineExceeded(ServiceError):
    """The answer would have come later than the service allows."""

    code = "deadline_exceeded"

    @classmethod
    def after(cls, deadline_s: float) -> "DeadlineExceeded":
        """Return the error of an answer that was not ready before the service's deadline."""
        return cls(f"the answer was not ready within {deadline_s:g} seconds; ask for a shorter shortlist, or try later")


class ShardUnavailable(ServiceError):
    """A shard of the map does not answer, or is another than expected; without it nothing is answered."""

    code = "shard_unavailable"


class BasemapFailed(ServiceError):
    """The file or the server of the base map does not give a tile."""

    code = "basemap_failed"
