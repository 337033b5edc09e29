"""What flowrt costs on a machine: figures, never tests. Each module is a program: `python -m benchmarks.<module>`."""
