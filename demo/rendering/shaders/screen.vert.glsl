in vec3 corner;
out vec2 screen;  // in [-1, 1], up

void main() {
    screen = corner.xy;
    gl_Position = vec4(corner.xy, 0.99999, 1.0);
}
