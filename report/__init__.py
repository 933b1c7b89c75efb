"""The pages a person looks at: one self-contained HTML file, read from stores only."""
