"""The status page.

what happens --> board (the last cycles of each organization) --> pages --> page (templates)
                                                                              words, chart, lamps
"""
