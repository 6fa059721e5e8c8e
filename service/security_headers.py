"""Headers of every answer: what browsers shall not do with it."""

from collections.abc import Collection, Mapping

# Sensors and devices that a page could ask a browser for; the page at / alone does. Copying to the clipboard is left.
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
    """Return the header that keeps sensors and devices from a page, apart from those it is allowed to use itself."""
    return ", ".join(f"{feature}={'(self)' if feature in allowed else '()'}" for feature in _FEATURES)


# Answers are data: a browser shall neither guess their type nor run or embed anything, nor show them to pages of other
# servers. The pages at / and /docs have policies of their own. What is allowed to other origins is in ``service.cors``.
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
