in vec2 screen;
out vec4 colour;

void main() {
    vec3 way = normalize(forward.xyz + right.xyz * screen.x * right.w + up.xyz * screen.y * up.w);
    float high = max(way.z, 0.0);
    vec3 c = mix(horizon.rgb, sky.rgb, pow(clamp(high * 1.5, 0.0, 1.0), 0.6));
    float toward = max(dot(way, sun_way.xyz), 0.0);
    c += sun.rgb * (pow(toward, 8.0) * 0.12 + pow(toward, 120.0) * 0.6);
    vec2 plane = way.xy / (high + 0.12) * 0.075 + air.w * 0.0137;
    float cloud = texture(noise, plane).r * 0.55 + texture(noise, plane * 2.7 + 0.3).r * 0.28 + texture(noise, plane * 7.0).r * 0.17;
    float cover_low = 0.78 - 0.5 * bounce.w;
    float thick = smoothstep(cover_low, cover_low + 0.22, cloud + 0.06);
    vec3 cloud_colour = horizon.rgb * (1.12 - 0.55 * smoothstep(0.4, 0.75, cloud) * bounce.w) + sun.rgb * 0.12;
    c = mix(c, cloud_colour, thick * smoothstep(0.0, 0.12, high) * 0.9 * exp(-eye.w * 30.0));
    colour = vec4(developed(c), 1.0);
}
