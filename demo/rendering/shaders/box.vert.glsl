in vec3 corner;
in vec3 normal;
in vec3 middle;
in vec3 half_size;
in vec2 yaw_surface;
in vec4 paint_seed;
in vec4 second;
out vec3 world;
out vec3 inside;         // metres from the middle: along, aside, up
out vec2 at;
flat out vec3 facing;
flat out vec3 axis;      // the normal in the box's own frame
flat out vec3 extent;
flat out vec4 paint;
flat out vec3 gable;
flat out int surface;

void main() {
    float s = sin(yaw_surface.x), c = cos(yaw_surface.x);
    inside = corner * half_size;
    surface = int(yaw_surface.y);
    if (surface == 5 && corner.z > 0.0) inside.xy *= vec2(0.74, 0.86);
    if (surface == 6 && corner.z > 0.0) inside.xy *= vec2(0.97, 0.95);
    world = middle + vec3(inside.x * s + inside.y * c, inside.x * c - inside.y * s, inside.z);
    vec3 n = normalize(normal / half_size);
    axis = n;
    facing = vec3(n.x * s + n.y * c, n.x * c - n.y * s, n.z);
    extent = half_size;
    paint = paint_seed;
    gable = second.rgb;
    at = along_aside(world.xy);
    gl_Position = view_projection * vec4(world, 1.0);
}
