"""Ask about many photos, and write down what comes back."""
