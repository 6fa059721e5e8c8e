"""Define the headers of every answer that limit its use by browsers."""

from collections.abc import Collection, Mapping

# Sensors and devices that a page could ask a browser for; the page at / alone does. Writing to the clipboard is
# allowed.
_FEATURES = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "usb",
    "xr-spatial-tracking",
)


def permissions_policy(allowed: Collection[str] = ()) -> str:
    """Return the header that keeps sensors and devices from a page, except those that it may use itself."""
    return ", ".join(f"{feature}={'(self)' if feature in allowed else '()'}" for feature in _FEATURES)


# Answers are data: a browser must not guess their type, run or embed anything, or show them to pages of other
# servers. The pages at / and /docs have their own policies. ``service.cors`` has the permissions of other origins.
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": permissions_policy(),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
