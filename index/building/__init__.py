"""The stages that make a build, one after another."""
