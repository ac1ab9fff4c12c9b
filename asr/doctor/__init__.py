"""Looks at a machine and an installation, tries what recognising needs, and says how to get what is missing.

``python -m asr.doctor`` is ``asr doctor`` where not even the packages of the command line are there.
"""
