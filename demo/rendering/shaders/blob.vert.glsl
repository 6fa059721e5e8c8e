in vec3 corner;
in vec3 middle;
in vec3 radii_seed;
in vec4 paint_frayed;
out vec3 world;
flat out vec3 heart;
flat out vec2 radii;
flat out float seed;
flat out vec4 paint;

void main() {
    heart = middle; radii = radii_seed.xy; seed = radii_seed.z; paint = paint_frayed;
    vec3 away = normalize(middle - eye.xyz);
    vec3 across = normalize(cross(away, vec3(0.0, 0.0, 1.0)));
    vec3 above = cross(across, away);
    float reach = max(radii.x, radii.y) * 1.06;
    world = middle + (corner.x * across * radii.x * 1.08 + corner.y * above * reach) - away * min(radii.x, length(middle - eye.xyz) * 0.5);
    gl_Position = view_projection * vec4(world, 1.0);
}
