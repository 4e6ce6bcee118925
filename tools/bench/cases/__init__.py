"""One module for each case: `call()` handles one request and returns status and body.

Each runs alone in a folder with its dependencies.
"""
