"""The settings: models, reading the TOML file with every fault at its line, and the generated sample."""
