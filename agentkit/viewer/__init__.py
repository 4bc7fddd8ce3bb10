"""The local web page over a journal, and the same page as one file.

Nothing is written but where that is asked for, nobody but this machine is served, and nothing that a model or a tool wrote
can become markup.
"""
