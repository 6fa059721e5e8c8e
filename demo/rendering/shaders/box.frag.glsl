in vec3 world;
in vec3 inside;
in vec2 at;
flat in vec3 facing;
flat in vec3 axis;
flat in vec3 extent;
flat in vec4 paint;
flat in vec3 gable;
flat in int surface;
out vec4 colour;

void main() {
    uint seed = uint(paint.w);
    vec3 c = paint.rgb;
    vec3 emitted = vec3(0.0);
    bool sideways = abs(axis.x) > 0.5;
    vec2 face = sideways ? inside.yz : (abs(axis.z) > 0.9 ? inside.xy : inside.xz);
    float rough = texture(noise, face * 0.35 + vec2(seed % 13u) * 0.17).r;
    float wet_dark = 1.0 - 0.25 * sky.w;
    if (surface == 1) {  // tiles; the triangles under the ridge are wall
        vec2 tile = vec2(inside.x / 0.35, inside.y / 0.38);
        float near = clamp(1.3 - 2.5 * fwidth(tile.y), 0.0, 1.0);
        float tint = chance(keyed(ivec2(floor(tile)), seed)) - 0.5;
        c *= 0.8 + 0.4 * rough + near * (0.35 * tint - 0.3 * step(fract(tile.y), 0.16));
        c = sideways ? gable * (0.8 + 0.3 * rough) : mix(c, vec3(0.82), horizon.w * 0.9);
    } else if (surface == 2) {
        c = mod(floor(inside.x / 0.3), 2.0) < 0.5 ? c : vec3(0.7, 0.68, 0.62);
    } else if (surface == 3) {
        vec2 type = face / vec2(0.24, 0.3) + 40.0;
        ivec2 dot_at = ivec2(floor(fract(type) * vec2(4.0, 5.0)));
        float ink = chance(keyed(dot_at + ivec2(floor(type)) * 7, seed));
        vec3 poster = vec3(chance(seed + uint(floor(face.y / 1.1 + 9.0))), chance(seed + uint(floor(face.y / 0.55 + 49.0))), chance(seed + (sideways ? 3u : 9u))) * 0.5;
        c = extent.z > 1.2 && abs(face.x) < 0.5 ? poster : c;
        c = dot_at.x < 3 && dot_at.y < 4 && extent.z < 1.2 && ink < 0.5 ? vec3(0.78, 0.75, 0.66) : c;
        emitted = c * 0.35 * sun.w * step(0.4, chance(seed + 3u));
    } else if (surface == 4) {
        float bar = fract(face.x / 0.14);
        float near = clamp(1.3 - 2.0 * fwidth(face.x / 0.14), 0.0, 1.0);
        c *= mix(0.75, bar < 0.45 || abs(face.y) > extent.z - 0.06 ? 1.0 : 0.35, near);
    } else if (surface == 5) {
        bool post = abs(face.x) > (sideways ? extent.y : extent.x) * (0.9 - 0.16 * inside.z / extent.z) - 0.02 || (!sideways && abs(inside.x) < 0.05) || abs(axis.z) > 0.5;
        c = post ? c : mix(vec3(0.015, 0.018, 0.02), sky.rgb, 0.16 + 0.2 * inside.z);
    } else if (surface == 6) {
        float ends = sideways && abs(abs(inside.y) - 0.62) < 0.17 && abs(inside.z - 0.06) < 0.09 ? 1.0 : 0.0;
        bool front = axis.x > 0.5;
        c = mix(c * (0.85 + 0.3 * step(-0.05, inside.z)), front ? vec3(0.7) : vec3(0.45, 0.02, 0.02), ends);
        emitted = ends * sun.w * (front ? vec3(2.2, 2.0, 1.6) : vec3(0.8, 0.04, 0.02));
    } else if (surface == 11) {
        bool pane = axis.x < -0.5 && abs(abs(inside.y) - 0.4) < 0.32 && abs(inside.z - 0.45) < 0.25;
        bool writing = axis.x > -0.5 && abs(inside.z - 0.1) < 0.28 && abs(inside.x) < 1.5;
        float seam = axis.x < -0.5 ? step(abs(inside.y), 0.025) : step(abs(inside.z + 0.45), 0.03);
        c = pane ? vec3(0.02, 0.025, 0.03) : (writing ? c.gbr * 0.7 + 0.15 : c * (1.0 - 0.5 * seam));
    } else if (surface == 7) {
        emitted = vec3(2.6, 2.0, 1.2) * sun.w;
    } else if (surface == 8) {
        c *= 0.45 + 1.2 * rough;
    } else {
        c *= 0.8 + 0.35 * rough;
    }
    c = mix(c, vec3(0.8), horizon.w * step(0.7, axis.z) * (surface == 1 || surface == 10 ? 0.0 : 0.85));
    vec3 shaded = c * wet_dark * illumination(at, world.z, facing);
    shaded *= 1.0 - 0.3 * exp(-world.z * 4.0);
    colour = seen(shaded + emitted, world);
}
