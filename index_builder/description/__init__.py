"""What a map holds: where its pictures lie, which way they look, when they were taken, and what they weigh."""
