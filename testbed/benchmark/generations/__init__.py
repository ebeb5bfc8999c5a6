"""What is left of a habit after generations: students of students of students."""
