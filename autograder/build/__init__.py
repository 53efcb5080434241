"""From text to notebooks: `source/`, `release/`, the student bundle, a new assignment."""
