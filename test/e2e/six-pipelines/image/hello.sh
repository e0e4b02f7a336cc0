echo "hello from commit $(cat /app/commit), as $(id -un)"
