"""The commands of `course` by topic, each a call into a package."""
