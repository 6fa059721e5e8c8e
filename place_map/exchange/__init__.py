"""The exchange of versions between a map and an origin, from which serving machines fetch them."""
