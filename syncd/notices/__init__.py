"""What people are told without asking: report files of each cycle, notices, and a ping to a dead-man switch.

occasions.py     which cycle is worth telling, once
composing.py     what is told: numbers always, names only where they are allowed
observer.py      hears the cycles
sending.py       a bounded queue, one thread, retries: a dead sink delays no cycle and no stop
targets.py       where nothing may be sent to
posting.py       one HTTP request, checked and cut off in time
sinks.py         settings become sinks: webhook, slack, mail, sns, other
report_files.py  a page and a Markdown file of each cycle that did, withheld or failed something
examination.py   what `syncd doctor` can say of the sinks without sending anything
"""
