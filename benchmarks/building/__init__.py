"""The speed of building a map compared with encoding its pictures: the cost of decoding and writing."""
