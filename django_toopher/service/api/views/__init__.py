"""REST v1 (PROTOCOL.md §2), one module for each resource: read the signed parameters, call one verb, show the result.

"Row" is a row of the table in PROTOCOL.md §2.1.
"""
