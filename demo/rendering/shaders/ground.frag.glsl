in vec3 world;
out vec4 colour;

uniform float street_seed;

void main() {
    vec2 at = along_aside(world.xy);
    uint seed = uint(street_seed);
    float aside = abs(at.y), s = at.x, road = street.y;
    float ws = fwidth(s) + 1e-4, wd = fwidth(at.y) + 1e-4;
    float coarse = texture(noise, world.xy * 0.04).r, fine = texture(noise, world.xy * 0.6).r;

    float first = abs(s - crossings.x) - crossings.y, second = abs(s - crossings.z) - crossings.w;
    float gap = min(first, second);                       // negative in a crossing street
    float outside = max(max(-s - 22.0, s - 222.0), 0.0);  // the squares at the ends
    bool asphalt = aside < road || (gap < -1.6 && aside > street.z) || (gap < 0.0 && aside <= street.z);

    // asphalt, with patches
    vec3 tar = vec3(0.085, 0.086, 0.09) * (0.75 + 0.3 * coarse + 0.3 * fine);
    ivec2 patch_at = ivec2(floor(vec2(s / 4.5, at.y / 2.2 + 0.5)));
    float patched = step(chance(keyed(patch_at, seed)), 0.14);
    tar *= 1.0 + patched * (chance(keyed(patch_at, seed + 1u)) - 0.6) * 0.7;
    float manhole = length(vec2(mod(s + float(seed % 9u), 23.0) - 11.0, at.y - 1.1));
    tar = mix(tar, vec3(0.04), cover(manhole, -1.0, 0.36, ws + wd) * 0.8);
    float paving_row = floor(at.y / 0.6);
    // setts in some streets
    if (seed % 4u == 1u) {
        vec2 sett = vec2(s / 0.32 + 0.5 * mod(floor(at.y / 0.3), 2.0), at.y / 0.3);
        float near_sett = clamp(1.3 - 2.0 * max(ws, wd) / 0.3, 0.0, 1.0);
        vec2 f = fract(sett);
        float seam = 1.0 - step(0.12, f.x) * step(0.12, f.y);
        tar = vec3(0.15, 0.14, 0.135) * (0.7 + 0.5 * coarse + near_sett * (0.5 * chance(keyed(ivec2(floor(sett)), 3u)) - 0.25 - 0.4 * seam));
    }
    // markings: a dashed line, edge lines, zebra crossings beside the crossing streets
    float worn = 0.45 + 0.5 * fine;
    float dash = cover(aside, -1.0, 0.07, wd) * cover(mod(s, 6.0), 0.0, seed % 3u == 0u ? 6.0 : 3.0, ws) * step(1.5, gap);
    float edge = cover(aside, road - 2.2, road - 2.08, wd) * step(1.5, gap) * (seed % 5u < 3u ? 1.0 : 0.0);
    float zebra = cover(gap, 1.2, 4.0, ws) * cover(mod(at.y + 30.0, 1.0), 0.0, 0.5, wd);
    float mark = seed % 4u == 1u ? zebra * 0.8 : max(max(dash, edge), zebra);
    tar = mix(tar, vec3(0.62, 0.62, 0.58), mark * worn);

    // pavement: slabs and a kerb
    vec2 slab = vec2(s / 0.9 + 0.5 * mod(paving_row, 2.0), at.y / 0.6);
    float near = clamp(1.3 - 2.0 * max(ws / 0.9, wd / 0.6), 0.0, 1.0);
    vec2 in_slab = fract(slab) * vec2(0.9, 0.6);
    float joint = 1.0 - cover(in_slab.x, 0.03, 0.9, ws) * cover(in_slab.y, 0.03, 0.6, wd);
    vec3 stone = mix(vec3(0.30, 0.285, 0.26), vec3(0.26, 0.22, 0.19), float(seed % 7u) / 6.0);
    stone *= 0.7 + 0.3 * coarse + 0.25 * fine + near * (0.3 * chance(keyed(ivec2(floor(slab)), seed)) - 0.15);
    stone *= 1.0 - 0.4 * joint * near;
    float kerb = cover(aside, road, road + 0.22, wd);
    stone = mix(stone, vec3(0.36, 0.35, 0.33) * (0.8 + 0.3 * fine), kerb);
    stone *= 1.0 - 0.55 * cover(aside, street.z - 0.25, street.z + 0.3, wd + 0.2) * step(0.0, gap);
    vec3 base = asphalt ? tar : stone;
    base *= 1.0 - 0.4 * cover(aside, road - 0.25, road, wd + 0.05) * step(0.0, gap);

    // weather
    float tracks = asphalt ? cover(abs(aside - road * 0.36), 0.55, 1.0, 0.2) * step(aside, road) : 0.0;
    float snowy = horizon.w * clamp(0.55 + 0.9 * coarse - 0.6 * tracks + (asphalt ? -0.05 : 0.25), 0.0, 1.0);
    base = mix(base * (1.0 - 0.45 * sky.w), vec3(0.78, 0.8, 0.84), snowy);
    vec3 shaded = base * illumination(at, 0.0, vec3(0.0, 0.0, 1.0));

    // wet ground mirrors the sky over the roofs, the fronts under them, and the lamps
    vec3 view = normalize(world - eye.xyz);
    float grazing = pow(1.0 - abs(view.z), 4.0);
    float puddle = sky.w * (0.5 + 0.5 * smoothstep(0.3, 0.75, 0.6 * coarse + 0.4 * texture(noise, world.xy * 0.13).r)) * (1.0 - snowy);
    float first_lamp = floor((s - lamps.y) / lamps.x + 0.5);
    float lamp_side = mod(first_lamp, 2.0) < 0.5 ? 1.0 : -1.0;
    float streak = exp(-pow((at.y - lamp_side * lamps.w * 0.8) * 0.9, 2.0)) * sun.w * (0.6 + 0.4 * fine);
    vec3 mirrored = in_street(vec3(view.xy, -view.z), s);
    vec3 image = mix(bounce.rgb * 0.55, horizon.rgb * 0.8, sunlit(at, 0.0, mirrored) * 0.85 + 0.15);
    shaded = mix(shaded, image + vec3(1.0, 0.7, 0.4) * streak * 0.5, puddle * grazing * (asphalt ? 0.7 : 0.4));
    colour = seen(shaded, world);
}
