"""The tree of all errors that Placefix raises on purpose.

::

    PlacefixError
    ├── ImageError                  a picture that cannot be used
    │   ├── UnreadableImage         unreadable_image          a file that is missing, or cannot be read
    │   ├── EmptyImage              empty_image               no bytes at all
    │   ├── NotAnImage              not_an_image              not a known picture format
    │   ├── UnsupportedImageFormat  unsupported_image_format  a picture, of a format that is not read
    │   ├── CorruptImage            corrupt_image             starts like a picture, cannot be decoded
    │   ├── CorruptExif             corrupt_exif              its EXIF block cannot be parsed
    │   ├── NoExifPosition          no_exif_position          it does not state its position
    │   ├── TooManyPixels           too_many_pixels           larger than the pixel limit
    │   ├── ImageTooSmall           image_too_small           a side below the minimum
    │   └── ExtremeAspectRatio      extreme_aspect_ratio      a strip, not a photograph
    ├── InvalidInput                invalid_input             an argument that makes no sense
    │   ├── VersionNotFound         version_not_found         the map does not have this version
    │   ├── InvalidSamples          invalid_samples           a folder of sample queries that cannot be offered
    │   └── InvalidKeys             invalid_keys              a file of API keys that cannot be used
    ├── DeviceUnavailable           device_unavailable        a requested device is not available
    ├── WeightsError                invalid_weights           a checkpoint that cannot be used
    │   └── DownloadFailed          download_failed           a checkpoint that could not be fetched
    ├── ModelOutputInvalid          model_output_invalid      NaN or infinity in the features
    ├── SourceError                 invalid_source            a picture collection that cannot be read
    │   ├── NothingUsable           nothing_usable            not one picture could go into the map
    │   └── TooManyRejected         too_many_rejected         more unreadable pictures than allowed
    ├── ClusterError                cluster_error             workers of a build that cannot be used
    │   ├── WorkerMismatch          worker_mismatch           a worker would give other bytes
    │   └── SegmentFailed           segment_failed            a segment has failed in each of its tries
    ├── MapError                    invalid_map               a map that cannot be used
    │   ├── MapNotFound             map_not_found             no map there
    │   ├── MapExists               map_exists                a map is there already
    │   ├── MapCorrupt              map_corrupt               files and manifest disagree
    │   ├── MapVersionUnsupported   map_version_unsupported   written by a newer Placefix
    │   ├── NetworkMismatch         network_mismatch          made with another network or preprocessing
    │   ├── MapBusy                 map_busy                  another process is writing it
    │   ├── BuildConflict           build_conflict            an unfinished build of something else is in the way
    │   ├── OriginError             origin_failed             an origin that cannot be reached, or is damaged
    │   └── PublishConflict         publish_conflict          an origin names another version than expected
    ├── StorageError                storage_error             the disk is full, or cannot be written
    ├── RequestError                invalid_request           a request with an error beside its picture
    │   ├── MalformedBody           malformed_body            not the multipart form that it says it is
    │   ├── BodyTooLarge            body_too_large            more bytes than the upload limit
    │   ├── UploadTimeout           upload_timeout            the upload stalled
    │   ├── MissingImage            missing_image             no picture in it
    │   ├── SeveralImages           several_images            more than one picture in it
    │   ├── InvalidParameter        invalid_parameter         a parameter out of its range, or unknown
    │   ├── PlaceNotFound           place_not_found           the map has no picture of this id, or no thumbnail
    │   ├── SampleNotFound          sample_not_found          there is no sample of this name, or no file
    │   ├── TileNotFound            tile_not_found            this tile is missing, or there is no base map
    │   ├── UnexpectedVersion       unexpected_version        another version is served than the request says
    │   ├── UnusableVersion         unusable_version          a version that is damaged, or of another network
    │   ├── ShardOnly               shard_only                a server that has a part of each map alone
    │   ├── UnexpectedShard         unexpected_shard          another shard than a front end takes for granted
    │   └── AccessDenied            access_denied             a request that its sender may not make
    │       ├── KeyMissing          key_missing               a key is needed, and none was sent
    │       ├── KeyUnknown          key_unknown               none of the service's keys
    │       ├── ScopeMissing        scope_missing             a key that does not allow this
    │       └── BrowsingOff         browsing_off              the pictures of maps are not listed here
    ├── TrainingError               training_error            a training that cannot begin or continue
    │   ├── InvalidTrainingConfig   invalid_training_config   a setting that is unknown, impossible or contradictory
    │   ├── UnsuitableTrainingData  unsuitable_training_data  pictures that do not suffice for training
    │   ├── TrainingDiverged        training_diverged         NaN or infinity in a loss, a gradient or a feature
    │   └── CheckpointError         invalid_checkpoint        a checkpoint that cannot be written or continued
    ├── CannotWrite                 cannot_write              a position that cannot be written to a photo
    ├── ClientError                 client_error              a question that a server did not answer
    │   ├── ServerUnreachable       server_unreachable        no answer, or not in time
    │   ├── NotPlacefix             not_placefix              another program answers
    │   └── ServerProblem           server_problem            the server says why; an instance has the server's code
    │       ├── PhotoRefused        photo_refused             the photo cannot be used
    │       ├── KeyRefused          key_refused               the server needs a key, or another one
    │       └── ServerBusy          server_busy               it cannot answer now
    └── ServiceError                the running service
        ├── NotReady                not_ready                 starting, stopping, or its worker has died
        ├── DeviceStuck             device_stuck              the device does not come back; ends the process
        ├── DecoderStuck            decoder_stuck             the decoding of a picture does not end; ends the process
        ├── Overloaded              overloaded                no room for one more request
        ├── DeadlineExceeded        deadline_exceeded         took longer than the service allows
        ├── ShardUnavailable        shard_unavailable         a shard does not answer, or is another than expected
        └── BasemapFailed           basemap_failed            no tile from the file or the server of the base map

Each class has a ``code`` that stays the same between releases; the message says what is wrong, where, and what to do.
Each class is defined near its use: in ``model.picture_errors``, ``model.weights_errors``, ``model.training.errors``,
``place_map.errors``, ``index_builder.errors``, ``service.errors``, ``placefix.client.errors`` and
``placefix.geotagging.errors``; general errors are defined here. Only the service turns a code into an HTTP status.
"""


class PlacefixError(Exception):
    """The root of all errors that Placefix raises on purpose."""

    code = "placefix_error"

    @property
    def message(self) -> str:
        """Return the sentence for people: what is wrong, where, and what to do."""
        return str(self)


class InvalidInput(PlacefixError):
    """An argument makes no sense: a size, a count, a name."""

    code = "invalid_input"


class DeviceUnavailable(PlacefixError):
    """A device was requested by name and is not available."""

    code = "device_unavailable"


class ModelOutputInvalid(PlacefixError):
    """The network produced NaN or infinity."""

    code = "model_output_invalid"


class StorageError(PlacefixError):
    """The disk of a map is full, or the map cannot be written."""

    code = "storage_error"
