"""What happens inside the iframe, step by step: one ``Frame`` from its signed URL to the signed postback.

``opening`` makes it, ``state`` tells what the page shows, ``permissions`` what it may do; ``sign_in``, ``pairing`` and
``managing`` do it. Each step takes the frame as it was and returns it as it is now.
"""
