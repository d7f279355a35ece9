# bash completion of postroom. Verbs and options come from the command itself.
_postroom()
{
	local word=${COMP_WORDS[COMP_CWORD]} first=${COMP_WORDS[1]-} words
	COMPREPLY=()
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	-c | --config | --ready)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--dir)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
		;;
	esac
	if [[ $COMP_CWORD == 1 ]]; then
		words=$(postroom --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')
	elif [[ $word == -* ]]; then
		words=$(postroom "${COMP_WORDS[@]:1:COMP_CWORD - 1}" --help 2>&1 |
			grep -o -- '--\?[a-z][a-z-]*')
	elif [[ $COMP_CWORD == 2 ]]; then
		words=$(postroom --help 2>/dev/null |
			sed -n "s/^  $first \([a-z|]*|[a-z|]*\)\$/\1/p" | tr '|' ' ')
	elif [[ $first == @(backup|restore) || ($first == mailbox && ${COMP_WORDS[2]} == @(import|export)) ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	elif [[ $first == config && ${COMP_WORDS[2]} == explain ]]; then
		words=$(postroom config explain 2>/dev/null | cut -f1)
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _postroom postroom
