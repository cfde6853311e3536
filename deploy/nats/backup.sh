# Copies the log into a folder of its own below the working directory's /backup, and keeps the newest $KEEP.
cd "${BACKUP:-/backup}"
rm -rf unfinished
nats stream backup "${STREAM:-ATP}" unfinished --no-progress
mv unfinished "log-$(date -u +%Y%m%dT%H%M%SZ)"
ls -d log-* | sort -r | tail -n "+$((KEEP + 1))" | xargs -r rm -rf
