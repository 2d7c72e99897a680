"""The page where a person looks after phones, computers and recovery codes."""
