"""Measurements; each is a program that says what it measured."""
