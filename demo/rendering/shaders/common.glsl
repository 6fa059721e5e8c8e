// Data of every shader: the camera, the street, and the light. Colours are linear, lengths in metres.
layout(std140) uniform Scene {
    mat4 view_projection;
    vec4 eye;          // position; extinction per metre
    vec4 forward;      // unit; exposure
    vec4 right;        // unit; tangent of half the horizontal field of view
    vec4 up;           // unit; tangent of half the vertical field of view
    vec4 sun_way;      // unit, towards the sun; share of lit windows
    vec4 sun;          // colour; night
    vec4 sky;          // colour; wet
    vec4 horizon;      // colour; snow on the ground
    vec4 bounce;       // colour; clouds
    vec4 street;       // radius, half the carriageway, axis to houses, warmth
    vec4 lamps;        // pitch, phase, height, reach from the axis
    vec4 air;          // rain, snowfall, grain, visit
    vec4 crossings;    // middle and half width of two crossing streets
};

uniform sampler2D noise;
uniform sampler2D profile;  // heights of both rows, one texel a metre, from 40 m before the beginning

uint mixed(uint x) {
    x ^= x >> 16; x *= 0x7feb352du; x ^= x >> 15; x *= 0x846ca68bu; x ^= x >> 16;
    return x;
}

float chance(uint x) { return float(mixed(x) >> 8) / 16777216.0; }

uint keyed(ivec2 cell, uint seed) { return uint(cell.x + 512) * 2654435761u ^ uint(cell.y + 512) * 40503u ^ seed * 69069u; }

// How much of a pixel of width w lies between low and high.
float cover(float x, float low, float high, float w) { return clamp(min(x - low, high - x) / w + 0.5, 0.0, 1.0); }

// Along and aside of a point of the plane.
vec2 along_aside(vec2 p) {
    float r = street.x, turned = r < 0.0 ? -1.0 : 1.0;
    float angle = turned * atan(p.y, turned * (r - p.x));
    return vec2(angle * r, r - turned * length(p - vec2(r, 0.0)));
}

vec3 in_street(vec3 way, float along) {
    float angle = along / street.x;
    float s = sin(angle), c = cos(angle);
    return vec3(way.x * s + way.y * c, way.x * c - way.y * s, way.z);
}

// Whether the sun reaches a point over the roofs of the row opposite.
float sunlit(vec2 at, float z, vec3 way) {
    float wall = way.y > 0.0 ? street.z : -street.z;
    float t = (wall - at.y) / (abs(way.y) < 1e-3 ? 1e-3 : way.y);
    float hit = z + t * way.z;
    float height = texture(profile, vec2((at.x + t * way.x + 40.0) / float(textureSize(profile, 0).x), way.y > 0.0 ? 0.75 : 0.25)).r;
    return t < 0.3 ? 1.0 : clamp((hit - height) * 1.5 + 0.5, 0.0, 1.0);
}

vec3 lamplight(vec2 at, float z, vec3 n) {
    float first = floor((at.x - lamps.y) / lamps.x);
    float total = 0.0;
    int count = sun.w > 0.3 ? 2 : 0;
    for (int i = 0; i < count; i++) {
        float number = first + float(i);
        float side = mod(number, 2.0) < 0.5 ? 1.0 : -1.0;
        vec3 way = vec3(lamps.y + number * lamps.x - at.x, side * lamps.w - at.y, lamps.z - z);
        float far = dot(way, way);
        float edge = clamp(1.0 - way.x * way.x / (lamps.x * lamps.x), 0.0, 1.0);
        total += edge * edge * (max(dot(n, way) * inversesqrt(far), 0.0) * 0.85 + 0.15) / (far + 4.0);
    }
    return vec3(1.0, 0.68, 0.36) * total * 15.0 * sun.w;
}

vec3 illumination(vec2 at, float z, vec3 n) {
    vec3 normal = in_street(n, at.x), way = in_street(sun_way.xyz, at.x);
    float direct = max(dot(normal, way), 0.0);
    vec3 light = mix(bounce.rgb, sky.rgb, 0.5 + 0.5 * n.z);
    // narrow streets see less of the sky from below
    light *= 0.72 + 0.28 * clamp(z / 9.0, 0.0, 1.0);
    light += sun.rgb * direct * sunlit(at, z, way) + lamplight(at, z, normal);
    return light;
}

vec3 developed(vec3 c) {
    c *= forward.w * vec3(street.w, 1.0, 1.0 / street.w);
    c = c * (2.51 * c + 0.03) / (c * (2.43 * c + 0.59) + 0.14);
    return pow(clamp(c, 0.0, 1.0), vec3(1.0 / 2.2));
}

vec4 seen(vec3 c, vec3 world) {
    float far = length(world - eye.xyz);
    return vec4(developed(mix(horizon.rgb, c, exp(-far * eye.w))), 1.0);
}
