module samovar/compute/kernel/asm

go 1.26.0
