"""``convmine doctor --deep``: each part of the installation does once what it is there for.

Nothing stays of it: the topic, the point and the files are removed again. Where a language model is set it is asked one
short question, which costs some forty tokens.
"""
