"""Chat Completions: items to chat messages and back, and the policy that calls such a server.

`conversion` is the table of rules, `request` and `completion` what stands around the messages on the wire,
`capture` the token data, `policy` the caller. Importing the conversion brings no HTTP client.
"""
