"""The target: everything that knows Amazon WorkMail."""
