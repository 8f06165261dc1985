"""How long the clip is and how many frames a second it has; read by Blender's script and by the one that encodes."""

CLIP_SECONDS = 7
FRAMES_PER_SECOND = 8
