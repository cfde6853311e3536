# Uploads the newest copy of the log to $TO, and keeps the newest $KEEP there. A copy is whole once it has its backup.json,
# which goes last.
cd "${BACKUP:-/backup}"
name=$(ls -d log-* | sort | tail -n 1)
rclone copy --exclude backup.json "$name" "$TO/$name"
rclone check --one-way --exclude backup.json "$name" "$TO/$name"
rclone copy "$name/backup.json" "$TO/$name"
rclone lsf --dirs-only "$TO" | grep "^log-" | sort -r | tail -n "+$((KEEP + 1))" | while read -r old; do
  rclone purge "$TO/$old"
done
