in vec3 corner;
in vec3 normal;
in vec3 middle;
in vec3 half_size;
in vec2 yaw_material;
in vec4 wall_pitch;
in vec4 trim_seed;
in vec4 accent_features;
in vec4 windows;
out vec3 world;
out vec2 on_wall;
out vec2 at;
flat out vec3 facing;
flat out vec3 size;     // width, height, 1 on the gables
flat out vec4 wall;
flat out vec4 trim;
flat out vec4 accent;
flat out vec4 window;   // storey, width, height, material

void main() {
    float s = sin(yaw_material.x), c = cos(yaw_material.x);
    vec3 p = corner * half_size;
    world = middle + vec3(p.x * s + p.y * c, p.x * c - p.y * s, p.z);
    facing = vec3(normal.x * s + normal.y * c, normal.x * c - normal.y * s, normal.z);
    bool gable = abs(normal.x) > 0.5;
    float half_width = gable ? half_size.y : half_size.x;
    on_wall = vec2(half_width + (gable ? p.y : -p.x), world.z);
    size = vec3(2.0 * half_width, middle.z + half_size.z, gable || normal.y > 0.5 ? 1.0 : 0.0);
    at = along_aside(world.xy);
    wall = wall_pitch; trim = trim_seed; accent = accent_features;
    window = vec4(windows.xyz, yaw_material.y);
    gl_Position = view_projection * vec4(world, 1.0);
}
