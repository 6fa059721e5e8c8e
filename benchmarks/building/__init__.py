"""Building a map against encoding its pictures: how much of the encoder's time decoding and writing take away."""
