in vec3 world;
in vec2 on_wall;
in vec2 at;
flat in vec3 facing;
flat in vec3 size;
flat in vec4 wall;
flat in vec4 trim;
flat in vec4 accent;
flat in vec4 window;
out vec4 colour;

// Blocks by material: plaster, brick, ashlar, planks, panels, timber.
const vec3 BLOCKS[6] = vec3[6](
    vec3(90.0, 90.0, 0.0), vec3(0.5, 0.17, 0.5), vec3(1.1, 0.55, 0.35), vec3(60.0, 0.24, 0.3), vec3(2.4, 1.5, 0.35),
    vec3(1.6, 1.5, 0.0));

bool has(int feature) { return (int(accent.w) & feature) != 0; }

void main() {
    uint seed = uint(trim.w);
    float u = on_wall.x, v = on_wall.y;
    float wu = fwidth(u) + 1e-4, wv = fwidth(v) + 1e-4;
    float ground = window.x * 1.18, gable = size.z;
    int material = int(window.w);

    // the wall: dirt, blocks, joints
    float dirt = texture(noise, on_wall * 0.045 + vec2(seed % 61u, seed % 53u) * 0.37).r;
    float fine = texture(noise, on_wall * 0.31).r;
    vec3 block = BLOCKS[material];
    float row = floor(v / block.y);
    vec2 cell = vec2(u / block.x + 0.5 * mod(row, 2.0), v / block.y);
    float tint = chance(keyed(ivec2(floor(cell)), seed)) - 0.5;
    vec2 in_block = fract(cell) * block.xy;
    float joint = 1.0 - cover(in_block.x, 0.02, block.x, wu) * cover(in_block.y, 0.025, block.y, wv);
    float near = clamp(1.4 - 2.0 * max(wv / block.y, wu / block.x), 0.0, 1.0);
    vec3 base = wall.rgb * (0.72 + 0.34 * dirt + 0.2 * fine);
    base *= 1.0 + tint * block.z * near * (material == 1 ? 0.9 : 0.5);
    base *= 1.0 - joint * block.z * 0.75 * near;
    // half-timbering
    float beam = material == 5 && v > ground
        ? max(1.0 - cover(in_block.x, 0.1, block.x - 0.1, wu) * cover(in_block.y, 0.1, block.y - 0.06, wv),
              cover(abs(fract(cell.x) - fract(cell.y)) * 1.2, -1.0, 0.1, wu) * step(0.6, tint + 0.5)) : 0.0;
    base = mix(base, vec3(0.07, 0.045, 0.03), beam);
    // streaks under the eaves, splashes above the ground
    base *= 1.0 - 0.28 * exp(-v * 1.3) - 0.16 * fine * exp((v - size.y) * 0.6);

    float eaves = size.y - 0.7;
    float plinth = has(128) ? cover(v, -1.0, ground - 0.1, wv) : cover(v, -1.0, 0.5, wv);
    base = mix(base, base * (has(128) ? accent.rgb * 0.9 + 0.25 : vec3(0.6)), plinth * (1.0 - gable));
    float course = cover(v, ground - 0.14, ground + 0.1, wv);
    float quoin = has(32) ? 1.0 - cover(u, 0.35 + 0.2 * mod(floor(v / 0.45), 2.0), size.x - 0.35 - 0.2 * mod(floor(v / 0.45), 2.0), wu) : 0.0;
    float cornice = has(8) ? cover(v, eaves + 0.25, size.y, wv) : cover(v, size.y - 0.12, size.y, wv);
    base = mix(base, trim.rgb * (0.8 + 0.3 * fine), max(max(course * (1.0 - gable), cornice), quoin) * 0.9);

    // a mural: bold shapes in three colours
    float painted = gable > 0.5 ? (has(256) ? 1.0 : 0.0) : (has(16) ? 1.0 : 0.0);
    vec2 spread = on_wall * (0.28 + 0.3 * chance(seed + 5u)) + vec2(seed % 17u, seed % 29u);
    float wave = sin(spread.x * 2.1 + 1.7 * sin(spread.y * 1.9)) + sin(spread.y * 2.7 + 1.3 * sin(spread.x * 1.3));
    vec3 paint = mix(accent.rgb, vec3(0.75, 0.68, 0.5), cover(wave, 0.1, 9.0, 0.15));
    paint = mix(paint, accent.gbr, cover(wave, 0.9, 9.0, 0.15));
    paint = mix(paint, vec3(0.05, 0.06, 0.1), cover(abs(wave + 0.5), -1.0, 0.13, 0.12));
    float mural = painted * cover(v, ground + 0.3, eaves, wv) * cover(u, 0.4, size.x - 0.4, wu);
    base = mix(base, paint * (0.8 + 0.3 * fine), mural * (gable > 0.5 ? 0.85 : 0.7));

    // the windows
    bool upstairs = v > ground, shop = has(1) && !upstairs && gable < 0.5;
    float storeys = max(1.0, floor((eaves - ground) / window.x + 0.5));
    float storey = (eaves - ground) / storeys;
    float floor_number = upstairs ? floor((v - ground) / storey) : -1.0;
    float y = upstairs ? v - ground - floor_number * storey : v;
    float columns = max(1.0, floor(size.x / (shop ? 3.1 : wall.w) + 0.5));
    float pitch = size.x / columns;
    float column = floor(u / pitch);
    float x = u - (column + 0.5) * pitch;
    uint key = keyed(ivec2(int(column), int(floor_number)), seed);
    float door_column = floor(chance(seed + 11u) * columns);
    bool door = !upstairs && column == door_column && gable < 0.5;
    float half_w = min(window.y * 0.5, pitch * 0.42), low = upstairs ? 0.85 : 1.05;
    float high = min(low + window.z, (upstairs ? storey : ground) - 0.4);
    if (shop) { half_w = pitch * 0.5 - 0.22; low = 0.45; high = ground - 1.1; }
    if (door) { half_w = min(0.62, pitch * 0.42); low = 0.0; high = 2.35; }
    float arch = has(2) && !shop ? max(y - (high - half_w), 0.0) : 0.0;
    float across = sqrt(x * x + arch * arch);
    float outer_w = has(64) && !door ? 0.05 : 0.17;
    bool walled = (upstairs && v > eaves) || (gable > 0.5 && chance(key + 3u) < 0.6) || (gable > 0.5 && painted > 0.5);
    float open = walled ? 0.0 : 1.0;
    float frame = open * cover(across, -9.0, half_w + outer_w, wu) * cover(y, low - 0.1, high + outer_w, wv);
    float pane = open * cover(across, -9.0, half_w, wu) * cover(y, low, high, wv);
    float sill = open * cover(x, -half_w - 0.2, half_w + 0.2, wu) * cover(y, low - 0.2, low - 0.06, wv);
    float shutters = open * (has(4) && upstairs ? cover(abs(x), half_w + 0.05, half_w * 1.95 + 0.05, wu) * cover(y, low, high, wv) : 0.0);
    base = mix(base, accent.rgb * (0.75 + 0.35 * step(0.5, fract(y * 7.0)) * near), shutters);
    base = mix(base, trim.rgb * 0.95, max(frame, door || shop ? 0.0 : sill));
    base *= 1.0 - 0.35 * open * cover(y, low - 0.3, low - 0.2, wv) * cover(across, -9.0, half_w + 0.2, wu);

    // the room behind the glass
    float mirror = chance(key + 1u), curtain = chance(key + 2u);
    vec3 glass = mix(vec3(0.012, 0.016, 0.02), sky.rgb * 0.55, 0.1 + 0.28 * mirror + 0.12 * (y - low));
    float folds = 0.75 + 0.25 * sin(x * 26.0) * near;
    float drawn = curtain < 0.35 ? cover(abs(x), half_w * (0.35 + curtain), 9.0, wu) : (curtain < 0.5 ? cover(y, high - 0.55, 9.0, wv) : 0.0);
    vec3 cloth = mix(vec3(0.5, 0.47, 0.42), accent.rgb, step(0.3, curtain)) * folds;
    float bars = has(64) ? cover(abs(x), -1.0, 0.035, wu) : max(cover(abs(x), -1.0, 0.04, wu), cover(abs(y - mix(low, high, 0.64)), -1.0, 0.04, wv));
    if (shop) { bars = max(cover(abs(x), -1.0, 0.05, wu), cover(abs(y - high + 0.6), -1.0, 0.04, wv)); drawn = 0.0; }
    float goods = texture(noise, vec2(u * 0.16, floor(v * 2.2) * 0.31) + float(seed % 41u)).r;
    vec3 inside = shop ? mix(glass, (0.35 + 0.5 * goods) * mix(accent.rgb, vec3(0.5), goods), 0.35) : glass;
    vec3 light = illumination(at, v, facing);
    vec3 behind = mix(inside * (light * 0.35 + 0.45 - 0.315 * sun.w), cloth * light * 0.55, drawn);

    uint visit = uint(air.w);
    bool is_lit = shop ? chance(seed * 7u + visit) < 0.3 + sun_way.w : chance(key + visit * 977u) < sun_way.w;
    float glow = is_lit && !door ? 1.0 : 0.0;
    vec3 bulb = mix(vec3(1.0, 0.5, 0.16), vec3(0.8, 0.8, 0.75), pow(chance(key + 9u + visit), 1.6) * (shop ? 1.0 : 0.85));
    float inner = (0.5 + 0.45 * goods) * (0.55 + 0.5 * (y - low) / (high - low)) * (1.0 - 0.45 * drawn);
    vec3 emitted = glow * bulb * inner * (shop ? 0.55 : 0.13 + 0.42 * chance(key + 4u + visit));
    emitted *= mix(0.75, 1.0, sun.w);

    // the door, the sign over the shop
    vec3 leaf = accent.rgb * (0.55 + 0.3 * cover(abs(x), half_w * 0.15, half_w * 0.8, wu) * step(0.2, fract(y * 0.85)));
    base = mix(base, shop ? accent.rgb * 0.6 : base, shop ? cover(y, 0.0, ground - 0.14, wv) * 0.75 : 0.0);
    vec3 surface = mix(base, trim.rgb * 0.8, pane * bars);
    surface = door ? mix(surface, leaf, pane) : surface;
    float board = shop ? cover(v, ground - 0.95, ground - 0.2, wv) * cover(u, 0.25, size.x - 0.25, wu) : 0.0;
    vec2 type = vec2(u - 0.6, v - ground + 0.8) / vec2(0.3, 0.46);
    ivec2 dot_at = ivec2(floor(fract(type) * vec2(4.0, 5.0)));
    float letters = 2.0 + floor(chance(seed + 21u) * (size.x - 1.5) / 0.3);
    bool in_word = type.x > 0.0 && type.x < letters && type.y > 0.0 && type.y < 1.0 && dot_at.x < 3;
    float ink = in_word && chance(keyed(dot_at + ivec2(int(floor(type.x)) * 8, 3), seed)) < 0.58 ? 1.0 : 0.0;
    vec3 sign_colour = chance(seed + 31u) < 0.5 ? accent.rgb : accent.brg * 0.7 + 0.02;
    vec3 signboard = mix(sign_colour, vec3(0.82, 0.8, 0.7), ink * clamp(1.3 - wu * 6.0, 0.4, 1.0));
    surface = mix(surface, signboard, board);
    emitted = mix(emitted * pane * (1.0 - 0.8 * bars), signboard * glow * 0.45 * sun.w, board);

    float cap = horizon.w * max(open * (door || shop ? 0.0 : sill), course * 0.7 * (1.0 - gable));
    surface = mix(surface, vec3(0.8), cap);
    surface *= 1.0 - 0.25 * sky.w;
    vec3 shaded = surface * light;
    // recesses are in shade at their top
    float recess = pane * cover(y, high - 0.2, 9.0, wv) * 0.5;
    bool glazed = pane > 0.5 && bars < 0.5 && !door && board < 0.5;
    vec3 result = glazed ? behind : shaded;
    colour = seen(result * (1.0 - recess) + emitted, world);
}
