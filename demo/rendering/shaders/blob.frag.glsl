in vec3 world;
flat in vec3 heart;
flat in vec2 radii;
flat in float seed;
flat in vec4 paint;
out vec4 colour;

void main() {
    vec3 way = normalize(world - eye.xyz);
    vec3 scale = 1.0 / vec3(radii.x, radii.x, radii.y);
    vec3 from = (eye.xyz - heart) * scale, to = way * scale;
    float a = dot(to, to), b = dot(from, to), c = dot(from, from) - 1.0;
    float inside = b * b - a * c;
    if (inside < 0.0) discard;
    vec3 hit = from + to * ((-b - sqrt(inside)) / a);
    vec2 leaf = vec2(atan(hit.y, hit.x) * 0.33, hit.z * 0.42) * max(radii.x, 0.5) + seed * 0.137;
    float clumps = texture(noise, leaf * 0.22).r, leaves = texture(noise, leaf).r;
    float rim = inside / (a * 1.0);
    if (paint.w > 0.5 && rim < 0.9 * leaves * leaves + 0.35 * clumps * clumps) discard;
    vec3 n = normalize(hit * scale + vec3(leaves - 0.5, clumps - 0.5, leaves - 0.5) * 1.2 * paint.w);
    vec3 p = heart + hit / scale;
    vec3 c2 = paint.rgb * mix(1.0, (0.35 + 1.3 * leaves) * (0.75 + 0.25 * hit.z) * (0.6 + 0.8 * clumps), paint.w);
    c2 = mix(c2, vec3(0.75), horizon.w * paint.w * smoothstep(0.2, 0.8, n.z + leaves - 0.4) * 0.8);
    vec3 shaded = c2 * illumination(along_aside(p.xy), p.z, n);
    colour = seen(shaded, p);
}
