in vec2 screen;
out vec4 colour;

uniform sampler2D picture;

float grey(vec3 c) { return dot(c, vec3(0.3, 0.59, 0.11)); }

// Softens steps along edges; then weather in the air, lens and sensor.
void main() {
    vec2 texel = 1.0 / vec2(textureSize(picture, 0));
    vec2 p = screen * 0.5 + 0.5;
    vec3 m = texture(picture, p).rgb;
    vec3 n = texture(picture, p + vec2(0.0, texel.y)).rgb, s = texture(picture, p - vec2(0.0, texel.y)).rgb;
    vec3 e = texture(picture, p + vec2(texel.x, 0.0)).rgb, w = texture(picture, p - vec2(texel.x, 0.0)).rgb;
    float contrast = max(max(grey(n), grey(s)), max(grey(e), grey(w))) - min(min(grey(n), grey(s)), min(grey(e), grey(w)));
    vec2 across = vec2(grey(e) - grey(w), grey(n) - grey(s));
    vec2 along = vec2(-across.y, across.x) / (length(across) + 1e-4) * texel;
    vec3 smoothed = (texture(picture, p + along * 0.7).rgb + texture(picture, p - along * 0.7).rgb) * 0.32
        + (texture(picture, p + along * 1.9).rgb + texture(picture, p - along * 1.9).rgb) * 0.18;
    vec3 c = mix(m, mix(smoothed, (n + s + e + w) * 0.25, 0.25), smoothstep(0.06, 0.22, contrast) * 0.85);

    uint visit = uint(air.w);
    vec2 pixel = p * vec2(textureSize(picture, 0));
    vec3 mist = developed(horizon.rgb) * 0.55 + 0.3;
    int streaks = air.x > 0.0 ? 2 : 0, flakes = air.y > 0.0 ? 3 : 0;
    for (int i = 0; i < streaks; i++) {
        vec2 q = vec2(pixel.x + pixel.y * 0.09, pixel.y) / (vec2(5.0, 46.0) * (1.0 + 0.7 * float(i)));
        q.y += chance(uint(int(floor(q.x)) + 900) * 31u + visit + uint(i));
        uint drop = keyed(ivec2(floor(q)), visit + uint(i));
        vec2 f = fract(q);
        float on = step(chance(drop), 0.16 * air.x) * smoothstep(0.0, 0.25, f.y) * smoothstep(1.0, 0.6, f.y) * step(abs(f.x - 0.5), 0.14);
        c = mix(c, mist, on * 0.38);
    }
    for (int i = 0; i < flakes; i++) {
        float cell = 9.0 + 9.0 * float(i * i);
        vec2 q = pixel / cell;
        uint flake = keyed(ivec2(floor(q)), visit * 3u + uint(i));
        vec2 middle = 0.3 + 0.4 * vec2(chance(flake + 1u), chance(flake + 2u));
        float off = length((fract(q) - middle) * vec2(1.0, 0.8)) * cell;
        float on = step(chance(flake), 0.28 * air.y) * smoothstep(1.0 + 0.7 * float(i), 0.4, off);
        c = mix(c, vec3(0.93), on * 0.75);
    }
    c *= 1.0 - 0.16 * dot(screen, screen) * 0.5;
    uint speck = uint(int(pixel.x)) * 1973u + uint(int(pixel.y)) * 9277u + visit * 26699u;
    float bell = chance(speck) + chance(speck + 7u) - 1.0;
    colour = vec4(c + bell * air.z * 2.4, 1.0);
}
