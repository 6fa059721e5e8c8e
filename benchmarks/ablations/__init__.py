"""The paper's ablations on the demo town: each cell of a table is trained and measured separately."""
