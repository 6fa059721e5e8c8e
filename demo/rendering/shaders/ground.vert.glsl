in vec3 corner;
out vec3 world;

void main() {
    world = vec3(corner.xy * 420.0 + eye.xy, 0.0);
    gl_Position = view_projection * vec4(world, 1.0);
}
