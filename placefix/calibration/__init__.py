"""The calibration of a map: questions whose answers are known, and a model of the confidence of its evidence."""
