"""What people are shown of a saga, in the admin and in a terminal: where it stands, in words and as a timeline."""
