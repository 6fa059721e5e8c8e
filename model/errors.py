"""Every error that Placefix raises on purpose, as one tree.

::

    PlacefixError
    ├── ImageError                  what a picture can have wrong
    │   ├── UnreadableImage         unreadable_image          a file that is not there, or that the disk does not give
    │   ├── EmptyImage              empty_image               no bytes at all
    │   ├── NotAnImage              not_an_image              no picture format that is known here
    │   ├── UnsupportedImageFormat  unsupported_image_format  a picture, of a format that is not read
    │   ├── CorruptImage            corrupt_image             starts like a picture, cannot be decoded
    │   ├── CorruptExif             corrupt_exif              its EXIF block cannot be parsed
    │   ├── TooManyPixels           too_many_pixels           larger than the pixel limit
    │   ├── ImageTooSmall           image_too_small           a side below the minimum
    │   └── ExtremeAspectRatio      extreme_aspect_ratio      a strip, not a photograph
    ├── InvalidInput                invalid_input             an argument that makes no sense
    │   ├── InvalidSamples          invalid_samples           a folder of sample queries that cannot be offered
    │   └── InvalidKeys             invalid_keys              a file of API keys that cannot be used
    ├── DeviceUnavailable           device_unavailable        a device was asked for and is not there
    ├── WeightsError                invalid_weights           a checkpoint that cannot be used
    │   └── DownloadFailed          download_failed           a checkpoint that could not be fetched
    ├── ModelOutputInvalid          model_output_invalid      NaN or infinity in the features
    ├── SourceError                 invalid_source            a picture collection that cannot be read
    │   ├── NothingUsable           nothing_usable            not one picture could go into the map
    │   └── TooManyRejected         too_many_rejected         more unreadable pictures than allowed
    ├── MapError                    invalid_map               a map that cannot be used
    │   ├── MapNotFound             map_not_found             no map there
    │   ├── MapExists               map_exists                a map is there already
    │   ├── MapCorrupt              map_corrupt               files and manifest disagree
    │   ├── MapVersionUnsupported   map_version_unsupported   written by a newer Placefix
    │   ├── NetworkMismatch         network_mismatch          made with another network or preprocessing
    │   ├── MapBusy                 map_busy                  another process is writing it
    │   ├── BuildConflict           build_conflict            an unfinished build of something else is in the way
    │   └── StorageError            storage_error             the disk is full, or does not take what is written
    ├── RequestError                invalid_request           what a request can have wrong beside its picture
    │   ├── MalformedBody           malformed_body            not the multipart form that it says it is
    │   ├── BodyTooLarge            body_too_large            more bytes than the upload limit
    │   ├── UploadTimeout           upload_timeout            the upload stalled
    │   ├── MissingImage            missing_image             no picture in it
    │   ├── SeveralImages           several_images            more than one picture in it
    │   ├── InvalidParameter        invalid_parameter         a parameter out of its range, or unknown
    │   ├── PlaceNotFound           place_not_found           no such picture, or no thumbnail of it, in the map
    │   ├── SampleNotFound          sample_not_found          no such sample, or its file has gone
    │   ├── VersionNotFound         version_not_found         the map has no such version
    │   ├── UnexpectedVersion       unexpected_version        another version is served than the request says
    │   ├── UnusableVersion         unusable_version          a version that is damaged, or of another network
    │   └── AccessDenied            access_denied             a request that its sender may not make
    │       ├── KeyMissing          key_missing               a key is needed, and none was sent
    │       ├── KeyUnknown          key_unknown               none of the service's keys
    │       └── ScopeMissing        scope_missing             a key that does not allow this
    ├── TrainingError               training_error            a training that cannot begin, or not go on
    │   ├── InvalidTrainingConfig   invalid_training_config   a setting that is unknown, impossible or contradictory
    │   ├── UnsuitableTrainingData  unsuitable_training_data  pictures that nothing can be learned from
    │   ├── TrainingDiverged        training_diverged         NaN or infinity in a loss, a gradient or a feature
    │   └── CheckpointError         invalid_checkpoint        a checkpoint that cannot be written, or not be continued
    └── ServiceError                the running service
        ├── NotReady                not_ready                 starting, stopping, or its worker has died
        ├── DeviceStuck             device_stuck              the device does not come back; ends the process
        ├── Overloaded              overloaded                the queue is full
        └── DeadlineExceeded        deadline_exceeded         took longer than the service allows

Each class has a ``code`` that stays the same between releases; the message says what is wrong, where, and what
to do. Only the service turns a code into an HTTP status.
"""


class PlacefixError(Exception):
    """The root: everything that Placefix raises on purpose."""

    code = "placefix_error"

    @property
    def message(self) -> str:
        """The sentence for people: what, where, and what to do."""
        return str(self)


class ImageError(PlacefixError):
    """A picture that cannot be used."""

    code = "invalid_image"


class UnreadableImage(ImageError):
    """The file is not there, or cannot be read."""

    code = "unreadable_image"


class EmptyImage(ImageError):
    """No bytes at all."""

    code = "empty_image"


class NotAnImage(ImageError):
    """The bytes are of no picture format that is known here."""

    code = "not_an_image"


class UnsupportedImageFormat(ImageError):
    """The bytes are a picture of a format that is not read."""

    code = "unsupported_image_format"


class CorruptImage(ImageError):
    """The bytes start like a picture that is read here, and cannot be decoded."""

    code = "corrupt_image"


class CorruptExif(ImageError):
    """The picture has an EXIF block that cannot be parsed; its pixels may be in order."""

    code = "corrupt_exif"


class TooManyPixels(ImageError):
    """The picture is larger than the limit."""

    code = "too_many_pixels"


class ImageTooSmall(ImageError):
    """A side of the picture is shorter than the minimum."""

    code = "image_too_small"


class ExtremeAspectRatio(ImageError):
    """The picture is a strip: squashed to the network's square nothing of it would be left."""

    code = "extreme_aspect_ratio"


class InvalidInput(PlacefixError):
    """An argument that makes no sense: a size, a count, a name."""

    code = "invalid_input"


class InvalidSamples(InvalidInput):
    """A folder of sample queries that cannot be offered."""

    code = "invalid_samples"


class InvalidKeys(InvalidInput):
    """A file of API keys that cannot be used, or a key that cannot be made."""

    code = "invalid_keys"


class DeviceUnavailable(PlacefixError):
    """A device was asked for by name and is not there."""

    code = "device_unavailable"


class WeightsError(PlacefixError):
    """A checkpoint that cannot be used, with the tensors that are to blame."""

    code = "invalid_weights"


class DownloadFailed(WeightsError):
    """A checkpoint that could not be fetched, or whose checksum is another."""

    code = "download_failed"


class ModelOutputInvalid(PlacefixError):
    """The network produced NaN or infinity."""

    code = "model_output_invalid"


class SourceError(PlacefixError):
    """A picture collection that cannot be read."""

    code = "invalid_source"


class NothingUsable(SourceError):
    """Not one picture of the collection could go into the map."""

    code = "nothing_usable"


class TooManyRejected(SourceError):
    """More pictures of the collection are unreadable than was allowed."""

    code = "too_many_rejected"


class MapError(PlacefixError):
    """A map that cannot be used."""

    code = "invalid_map"


class MapNotFound(MapError):
    """There is no map at that path, or of that name."""

    code = "map_not_found"


class MapExists(MapError):
    """There is a map at that path already."""

    code = "map_exists"


class MapCorrupt(MapError):
    """The files of a map and its manifest disagree."""

    code = "map_corrupt"


class MapVersionUnsupported(MapError):
    """The map was written in a format that this release does not know."""

    code = "map_version_unsupported"


class NetworkMismatch(MapError):
    """The map was made with another network, or with another preprocessing."""

    code = "network_mismatch"


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
    """The map has no such picture, or no thumbnail of it."""

    code = "place_not_found"


class SampleNotFound(RequestError):
    """There is no such sample query, or its file has gone."""

    code = "sample_not_found"


class VersionNotFound(RequestError):
    """The map has no version of that number."""

    code = "version_not_found"


class UnexpectedVersion(RequestError):
    """Another version of the map is served than the request takes for granted."""

    code = "unexpected_version"


class UnusableVersion(RequestError):
    """The version cannot be served: it is damaged, or does not go with the network that is loaded."""

    code = "unusable_version"


class AccessDenied(RequestError):
    """A request that its sender may not make."""

    code = "access_denied"


class KeyMissing(AccessDenied):
    """A key is needed, and none was sent."""

    code = "key_missing"


class KeyUnknown(AccessDenied):
    """The key that was sent is none of the service's."""

    code = "key_unknown"


class ScopeMissing(AccessDenied):
    """The key that was sent does not allow this."""

    code = "scope_missing"


class MapBusy(MapError):
    """Another process is writing the map."""

    code = "map_busy"


class BuildConflict(MapError):
    """An unfinished build is in the way, of other pictures, of another network or with other settings."""

    code = "build_conflict"


class StorageError(MapError):
    """The disk under a map is full, or does not take what is written to it."""

    code = "storage_error"


class TrainingError(PlacefixError):
    """A training that cannot begin, or not go on."""

    code = "training_error"


class InvalidTrainingConfig(TrainingError):
    """A setting of a training that is unknown, impossible, or contradicts another."""

    code = "invalid_training_config"


class UnsuitableTrainingData(TrainingError):
    """Pictures that nothing can be learned from: without positives, or too few."""

    code = "unsuitable_training_data"


class TrainingDiverged(TrainingError):
    """NaN or infinity in a loss, a gradient or a feature."""

    code = "training_diverged"


class CheckpointError(TrainingError):
    """A checkpoint of a training that cannot be written, or that cannot be continued from."""

    code = "invalid_checkpoint"


class ServiceError(PlacefixError):
    """The running service cannot answer now."""

    code = "service_error"


class NotReady(ServiceError):
    """The service is starting or stopping, or its worker has died."""

    code = "not_ready"


class DeviceStuck(ServiceError):
    """The device does not come back from what it was given; the process has to be started again."""

    code = "device_stuck"


class Overloaded(ServiceError):
    """The queue is full."""

    code = "overloaded"


class DeadlineExceeded(ServiceError):
    """The answer would have come later than the service allows."""

    code = "deadline_exceeded"
